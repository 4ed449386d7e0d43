import express from 'express';

const port = Number(process.env.PORT ?? 3000);
const todos = new Map([[1, { id: 1, title: 'Deploy something', done: true }]]);
let lastId = 1;

const app = express();
app.disable('x-powered-by');
app.use(express.json());

app.get('/', (_request, response) => {
  response.json({
    app: 'express-api',
    dyno: process.env.DYNO ?? null,
    try: ['GET /todos', 'POST /todos {"title": "…"}', 'PATCH /todos/1 {"done": true}', 'DELETE /todos/1'],
  });
});

app.get('/todos', (_request, response) => response.json([...todos.values()]));

app.post('/todos', (request, response) => {
  const title = request.body?.title;
  if (typeof title !== 'string' || title.trim() === '') {
    response.status(400).json({ error: 'Give a title.' });
    return;
  }
  lastId += 1;
  const todo = { id: lastId, title: title.trim(), done: false };
  todos.set(todo.id, todo);
  console.log(`added ${todo.id}: ${todo.title}`);
  response.status(201).json(todo);
});

app.patch('/todos/:id', (request, response) => {
  const todo = todos.get(Number(request.params.id));
  if (todo === undefined) {
    response.status(404).json({ error: 'There is no such to-do.' });
    return;
  }
  if (typeof request.body?.done === 'boolean') todo.done = request.body.done;
  response.json(todo);
});

app.delete('/todos/:id', (request, response) => {
  response.status(todos.delete(Number(request.params.id)) ? 204 : 404).end();
});

const server = app.listen(port, () => console.log(`listening on ${port}`));
process.on('SIGTERM', () => server.close(() => process.exit(0)));
