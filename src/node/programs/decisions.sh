# Decision lines of rollouts, kept on the node: whatever machine comes next reads them.

# add_to_record: the lines of $file. One that is there is not added again, so that a repeated step does no harm.
add_to_record() {
  all_lines >"$state/record.jsonl.next" || fail not-written "cannot write $state/record.jsonl"
  # point
  commit "$state/record.jsonl" || fail not-written "cannot write $state/record.jsonl"
  rm -f "$file"
}

all_lines() {
  if [ -s "$state/record.jsonl" ]; then
    cat "$state/record.jsonl" || return 1
    grep -vxFf "$state/record.jsonl" "$file"
    # 1: there is none that is new
    [ $? -le 1 ]
  else
    cat "$file"
  fi
}
