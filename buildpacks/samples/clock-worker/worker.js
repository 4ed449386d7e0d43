const every = Math.max(1, Number(process.env.EVERY_SECONDS ?? 5) || 5);
let ticks = 0;

console.log(`working every ${every} seconds`);
const timer = setInterval(() => {
  ticks += 1;
  console.log(`tick ${ticks} at ${new Date().toISOString()}`);
}, every * 1000);

process.on('SIGTERM', () => {
  clearInterval(timer);
  console.log(`stopping after ${ticks} ticks`);
});
