import './state/no-eval.ts';
import '@fontsource-variable/inter/index.css';
import '@fontsource-variable/jetbrains-mono/index.css';
import './styles/tokens.css';
import './styles/base.css';
import { CSPProvider } from '@base-ui/react/csp-provider';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { announceBuild, takeFolder } from './actions/deploy.ts';
import { runAction } from './palette/commands.ts';
import { Frame } from './screens/frame.tsx';
import { connect } from './state/connection.ts';
import { desktop } from './state/host.ts';
import { applyAppearance } from './state/preferences.ts';
import { currentPlace, go } from './state/route.ts';
import { followEngine } from './state/sync.ts';

const root = document.getElementById('root');
if (root === null) throw new Error('the page has no element with the id "root"');

applyAppearance();
void connect((client) =>
  followEngine(client, (build, before) => {
    if (build.finishedAt !== null && before?.finishedAt === null) announceBuild(build.app, build);
  }),
);
desktop?.onAction(runAction);
desktop?.onGoTo(go);
desktop?.onOpenPath((path) => {
  const place = currentPlace();
  void takeFolder(path, place.screen === 'app' ? place.app : null);
});
createRoot(root).render(
  <StrictMode>
    <CSPProvider disableStyleElements>
      <Frame />
    </CSPProvider>
  </StrictMode>,
);
