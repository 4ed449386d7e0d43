/** Names of the messages between shell and page. */
export const CHANNELS = {
  connect: 'slipway:connect',
  chooseFolder: 'slipway:choose-folder',
  showInFolder: 'slipway:show-in-folder',
  setTheme: 'slipway:set-theme',
  action: 'slipway:action',
  openPath: 'slipway:open-path',
  goTo: 'slipway:go-to',
} as const;
