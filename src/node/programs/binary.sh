# A release whose server is a program in the release's own folder, known by its digest.

# is_whole: the release that `the_release` named is what it was when it was installed.
is_whole() { digest "$program" && [ "$sum" = "$sha256" ]; }

# runs_it: the server that runs is of that release.
runs_it() { digest_once "/proc/$pid/exe" && [ "$sum" = "$sha256" ]; }

# look_exe: sets $exe to the digest by which the release of the running server is known, '' where that cannot be seen.
look_exe() {
  exe=''
  if digest_once "/proc/$pid/exe"; then exe=$sum; fi
}
