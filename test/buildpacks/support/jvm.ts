/** What a build says that takes Java and its packages from the one before. */
export function takenAgain(java: number): RegExp {
  return new RegExp(
    String.raw`OpenJDK ${java}\.[\d.]+ is taken from the last build[^]*What it made is taken again`,
  );
}
