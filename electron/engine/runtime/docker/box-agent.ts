/**
 * Main process of a build container: takes commands on its standard input and answers on its standard output.
 * A command is a line `kind nonce length` and `length` bytes of bash. The answer is `<nonce>B`, whatever the command
 * writes, and `<nonce>E<exit code> <complaint>` with a line end. Kinds:
 * - `do`: a snippet of the engine, run in a subshell; its standard input is the agent's, from which `frames` reads
 *   blocks (`length` line, bytes; a length of 0 ends). The end of its standard error is the complaint when it fails.
 * - `run`: a script of a buildpack, in a session of its own without input, standard error joined to standard output;
 *   whatever it leaves running is killed.
 * SIGUSR1 ends a running script; otherwise it does nothing.
 * It ends with its input, so a container never outlives its engine.
 */
export const BOX_AGENT = `
LC_ALL=C
umask 022
frames() {
  local length
  while IFS= read -r length && (( length > 0 )); do head -c "$length"; done
}
trap : USR1
mkdir -p /tmp/.slipway /tmp/cache
while IFS=' ' read -r kind nonce length; do
  IFS= read -r -d '' -N "$length" body
  printf '%sB' "$nonce"
  if [ "$kind" = run ]; then
    printf '%s' "$body" > /dev/shm/slipway-script
    setsid bash /dev/shm/slipway-script < /dev/null 2>&1 &
    wait "$!"
    code=$?
    kill -KILL -1
    complaint=
  else
    ( eval "$body" ) 2> /dev/shm/slipway-errors
    code=$?
    complaint=
    (( code == 0 )) || complaint=$(tail -n 3 /dev/shm/slipway-errors | tail -c 1000 | tr '\\n' ';')
  fi
  printf '%sE%d %s\\n' "$nonce" "$code" "$complaint"
done
`;
