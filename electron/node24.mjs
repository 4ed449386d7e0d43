// Preloaded by every npm script: they need the Node.js that `npm ci` brings, not the system's.
const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  console.error(
    `slipway: this is Node.js ${process.versions.node}, and Slipway runs on 24, which \`npm ci\` installs. Start it by an npm script (npm start), and install without --omit=optional.`,
  );
  process.exit(1);
}
