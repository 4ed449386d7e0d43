// Runs before the first paint, so that the page never flashes in the other theme.
try {
  const { theme, density } = JSON.parse(localStorage.getItem('slipway.preferences') ?? '{}');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
  if (density === 'compact') document.documentElement.dataset.density = density;
} catch {
  // The page starts with the system's theme.
}
