# Tries three times, for what fails in a network often works a moment later. Sourced; the caller has `say`.
attempt() {
  local tries
  for tries in 1 2 3; do
    "$@" && return 0
    say "'$*' failed (attempt $tries of 3)"
    ((tries == 3)) || sleep $((tries * 5))
  done
  return 1
}
