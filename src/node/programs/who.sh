# Whom the unit's server runs as, and who we are: before anything else, as whoever logs in.
main() {
  arguments "$@"
  say self "$(id -un)"
  [ "$scope" != user ] || say unit_user "$(id -un)"
  load='' said=$(ctl show --property=LoadState,User,DynamicUser "$unit" 2>&1) || load=silent
  while IFS='=' read -r key value; do
    case $key in
    LoadState) load=$value ;;
    User) [ "$scope" = user ] || say unit_user "$value" ;;
    DynamicUser) say unit_dynamic "$value" ;;
    esac
  done <<END
$said
END
  say unit_load "$load"
  places_of_unit
  [ ! -e "$lib/manifest" ] || say adopted 1
  [ "$load" != silent ] || say why "$said"
  if [ "$load" = not-found ]; then
    ctl --no-legend list-unit-files "*$binary*.service" 2>/dev/null | while read -r word rest; do say near "$word"; done
  fi
  printf 'end=ok\n'
}
main "$@" </dev/null
