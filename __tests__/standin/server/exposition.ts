import { readdirSync, readFileSync } from 'node:fs'

/** What follows a sample's family name is its labels, or a suffix such as `_sum`. */
type Family = {
  name: string
  type: 'gauge' | 'counter' | 'summary'
  samples: [suffix: string, value: number][]
}

const started = (() => {
  const ticks = Number(afterName(readFileSync('/proc/self/stat', 'utf8'))[19])
  const boot = Number(/^btime (\d+)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1])
  return boot + ticks / 100
})()

/** The series of the original, by the same names and types. `scrapes` is how often this was asked before. */
export function exposition(scrapes: number): string {
  return [...goFamilies(), ...processFamilies(), ...scrapeFamilies(scrapes)]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(text)
    .join('')
}

function text({ name, type, samples }: Family): string {
  const lines = samples.map(([suffix, value]) => `${name}${suffix} ${value}\n`)
  return `# HELP ${name} ${name.replaceAll('_', ' ')}.\n# TYPE ${name} ${type}\n${lines.join('')}`
}

const gauge = (name: string, value: number): Family => ({ name, type: 'gauge', samples: [['', value]] })
const counter = (name: string, value: number): Family => ({ name, type: 'counter', samples: [['', value]] })

/** What a Go runtime would say, from what this runtime knows. */
function goFamilies(): Family[] {
  const memory = process.memoryUsage()
  const heap = { used: memory.heapUsed + memory.arrayBuffers, total: memory.heapTotal + memory.arrayBuffers }
  const memstats: Record<string, number> = {
    alloc_bytes: heap.used,
    buck_hash_sys_bytes: 0,
    gc_sys_bytes: 0,
    heap_alloc_bytes: heap.used,
    heap_idle_bytes: heap.total - heap.used,
    heap_inuse_bytes: heap.used,
    heap_objects: Math.round(heap.used / 64),
    heap_released_bytes: 0,
    heap_sys_bytes: heap.total,
    last_gc_time_seconds: started,
    mcache_inuse_bytes: 0,
    mcache_sys_bytes: 0,
    mspan_inuse_bytes: 0,
    mspan_sys_bytes: 0,
    next_gc_bytes: heap.total,
    other_sys_bytes: memory.external,
    stack_inuse_bytes: 0,
    stack_sys_bytes: 0,
    sys_bytes: memory.rss,
  }
  return [
    gauge('go_gc_cycles_total', 0),
    gauge('go_gc_pause_total_ns', 0),
    gauge('go_heap_alloc_bytes', heap.used),
    gauge('go_heap_sys_bytes', heap.total),
    gauge('go_goroutines', process.getActiveResourcesInfo().length),
    gauge('go_threads', readdirSync('/proc/self/task').length),
    { name: 'go_info', type: 'gauge', samples: [['{version="go1.24.7"}', 1]] },
    gcDurations(),
    ...Object.entries(memstats).map(([name, value]) => gauge(`go_memstats_${name}`, value)),
    counter('go_memstats_alloc_bytes_total', heap.used),
    counter('go_memstats_frees_total', 0),
    counter('go_memstats_lookups_total', 0),
    counter('go_memstats_mallocs_total', Math.round(heap.used / 64)),
  ]
}

function gcDurations(): Family {
  const quantiles = ['0', '0.25', '0.5', '0.75', '1'].map((q): [string, number] => [`{quantile="${q}"}`, 0])
  const name = 'go_gc_duration_seconds'
  return { name, type: 'summary', samples: [...quantiles, ['_sum', 0], ['_count', 0]] }
}

function processFamilies(): Family[] {
  const { user, system } = process.cpuUsage()
  const limits = readFileSync('/proc/self/limits', 'utf8')
  const limit = (name: string) => {
    const value = new RegExp(`^${name} +(\\S+)`, 'm').exec(limits)?.[1]
    return value === 'unlimited' ? 18446744073709552000 : Number(value)
  }
  return [
    counter('process_cpu_seconds_total', (user + system) / 1e6),
    gauge('process_max_fds', limit('Max open files')),
    gauge('process_open_fds', readdirSync('/proc/self/fd').length),
    gauge('process_resident_memory_bytes', process.memoryUsage.rss()),
    gauge('process_start_time_seconds', started),
    gauge('process_virtual_memory_bytes', Number(afterName(readFileSync('/proc/self/stat', 'utf8'))[20])),
    gauge('process_virtual_memory_max_bytes', limit('Max address space')),
  ]
}

function scrapeFamilies(scrapes: number): Family[] {
  const total = 'promhttp_metric_handler_requests_total'
  return [
    gauge('promhttp_metric_handler_requests_in_flight', 1),
    {
      name: total,
      type: 'counter',
      samples: [
        ['{code="200"}', scrapes],
        ['{code="500"}', 0],
        ['{code="503"}', 0],
      ],
    },
  ]
}

/** The fields of /proc/<pid>/stat after the name, which may hold spaces. Field 0 is the state. */
function afterName(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}
