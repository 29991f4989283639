# Decision lines of rollouts, kept on the node: whatever machine comes next reads them.

# add_to_record: the lines of $file. One that is there is not added again, so that a repeated step does no harm.
add_to_record() {
  if [ -s "$state/record.jsonl" ]; then
    cp "$state/record.jsonl" "$state/record.jsonl.next" && grep -vxFf "$state/record.jsonl" "$file" >>"$state/record.jsonl.next"
  else
    cp "$file" "$state/record.jsonl.next"
  fi
  # point
  commit "$state/record.jsonl" || fail not-written "cannot write $state/record.jsonl"
  rm -f "$file"
}
