import '@fontsource-variable/inter/index.css';
import '@fontsource-variable/jetbrains-mono/index.css';
import './styles/tokens.css';
import './styles/base.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Frame } from './screens/frame.tsx';
import { refresh } from './state/actions.ts';
import { connect } from './state/connection.ts';

const root = document.getElementById('root');
if (root === null) throw new Error('the page has no element with the id "root"');

connect(refresh);
createRoot(root).render(
  <StrictMode>
    <Frame />
  </StrictMode>,
);
