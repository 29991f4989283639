/** On-server programs are bundled as text. */
declare module '*.sh' {
  const text: string
  export default text
}

/** The examples are what `init` writes. */
declare module '*.yml' {
  const text: string
  export default text
}
