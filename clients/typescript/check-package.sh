# Packs the package, installs it in an empty project and type-checks the samples of README.md there.
set -eu
client=$PWD
project=$(mktemp -d)
trap 'rm -rf "$project"' EXIT

npm pack --silent --pack-destination "$project" > /dev/null

cd "$project"
awk '/^```$/ { inside = 0 } inside { print > "sample" inside ".ts" } /^```ts$/ { inside = ++count }' \
    "$client/README.md"
echo '{"type": "module"}' > package.json
# The versions that development uses, so that a new release cannot break this check.
versions=$(node --print '
    const { devDependencies } = require(process.argv[1]);
    ["@bufbuild/protobuf", "@connectrpc/connect", "@connectrpc/connect-node",
     "@connectrpc/connect-web", "@types/node"].map((name) => `${name}@${devDependencies[name]}`).join(" ")
' "$client/package.json")
# shellcheck disable=SC2086
npm install --no-audit --no-fund --loglevel=error ./*.tgz $versions > /dev/null
"$client/node_modules/.bin/tsc" --strict --noEmit --module nodenext --target es2022 --types node \
    sample*.ts
