# Of all containers of the releases, the one of the active release has the name that everybody knows.

# make_current ID: `current` becomes that release, and its container gets the name.
make_current() {
  its_container "$1"
  [ -n "$own" ] || fail release-damaged "$1 has no container"
  see_containers
  if [ -n "$named" ] && [ "$named" != "$own" ]; then
    its_release "$named"
    [ -n "$of_release" ] || fail container-foreign "the container $container was made by somebody else since"
    said=$(dock rename "$named" "$container.$(plain_name "$of_release")" 2>&1) || fail container-refused "$said"
    named=''
  fi
  # point
  [ -n "$named" ] || said=$(dock rename "$own" "$container" 2>&1) || fail container-refused "$said"
  # point
  rm -f "$install/.current.next"
  ln -s "releases/$1" "$install/.current.next" && mv -f -T "$install/.current.next" "$install/current" &&
    durable "$install" || fail not-written "cannot switch $install/current"
}
