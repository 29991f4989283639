# Keep the lease for a person's decision: only the same rollout, a rollback or a recovery may take it, or its end.
main() {
  arguments "$@"
  begin park critical
  touching
  lease_parked=1
  write_lease "$ttl"
  finish
}
main "$@" </dev/null
