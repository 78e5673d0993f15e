import { type Section, withJobs } from './section.js';

/** Expressions whose values come with the run. */
export const lateTextSection: Section = {
  title: 'Texts that read what earlier nodes gave',
  text: `The \`image\` and \`env\` of a job and of its services, the \`env\` of its steps, and the \`prompt\` of a gate may also read, as [conditions](#conditions) do:
\`needs.<id>.result\`, \`needs.<id>.reason\` and \`needs.<id>.outputs.<name>\` of what their own node needs, and \`gates.<id>.<input>\` of a gate that comes before it on every way.
An output that nobody set is the empty text.`,
  after: `They are evaluated once, when all that the node needs has ended and it is its turn, and are the same for every attempt. Only what stands in the file is an expression: a \`\${…}\` in an
output or an input stays the text that it is. A node fails, and says by which text, if an expression cannot be evaluated, if what is meant as an image is not the name of one, if a text has more than 32,768 characters, or
all of these of a run together more than 4 MiB. What has to be known before the run begins cannot read any of it: names, \`runs_on\`, the group of \`concurrency\`, and the \`env\` of the workflow, which is no node. Until a gate is open it shows no such prompt.`,
  examples: [
    {
      kdl: withJobs(`
job id="build" {
    step run="make image"
    output "version" file="version.txt"
}
job id="test" {
    needs "build"
    image "ghcr.io/acme/app:\${needs.build.outputs.version}"
    env VERSION="\${needs.build.outputs.version} of \${branch}"
    step run="make test"
}
gate id="release" {
    needs "build" "test"
    prompt "Ship \${needs.build.outputs.version}? The tests: \${needs.test.result}."
    input "replicas" type="int" default=4
}
job id="deploy" {
    needs "release"
    step run="./deploy.sh" { env REPLICAS="\${gates.release.replicas}"; }
}`),
      values: { branch: 'main' },
      nodes: {
        build: {},
        test: {
          env: {},
          late: [
            {
              at: { kind: 'image' },
              pieces: [{ text: 'ghcr.io/acme/app:' }, { expression: 'needs.build.outputs.version' }],
            },
            {
              at: { kind: 'env', name: 'VERSION' },
              pieces: [{ expression: 'needs.build.outputs.version' }, { text: ' of main' }],
            },
          ],
        },
        release: {
          late: [
            {
              at: { kind: 'prompt' },
              pieces: [
                { text: 'Ship ' },
                { expression: 'needs.build.outputs.version' },
                { text: '? The tests: ' },
                { expression: 'needs.test.result' },
                { text: '.' },
              ],
            },
          ],
        },
        deploy: {
          late: [
            {
              at: { kind: 'step-env', step: 0, name: 'REPLICAS' },
              pieces: [{ expression: 'gates.release.replicas' }],
            },
          ],
        },
      },
    },
    {
      text: 'Names are known when the run is planned:',
      told: 'error bad-expression',
      kdl: withJobs(`
job id="build" { step run="make"; }
job id="test" name="Test \${needs.build.outputs.version}" { needs "build"; step run="make test"; }`),
    },
  ],
};
