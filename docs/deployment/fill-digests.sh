#!/bin/sh
# Asks the registries for the digest of every image in bases.env and writes bases.lock.env beside it, whole or not at all.
#   docs/deployment/fill-digests.sh [FOLDER]     needs skopeo, and a network
set -eu
cd "${1:-$(dirname "$0")}"
command -v skopeo >/dev/null || { echo "skopeo is not here: install it, or build with the tags of bases.env" >&2; exit 1; }
trap 'rm -f bases.lock.env.partial' EXIT
echo "# Written by fill-digests.sh: change bases.env instead." > bases.lock.env.partial
grep -v '^#' bases.env | while IFS='=' read -r name image; do
	digest=$(skopeo inspect --format '{{.Digest}}' "docker://$image")
	case "$digest" in
		sha256:*) ;;
		*) echo "$image: the registry gave no digest but '$digest'" >&2; exit 1 ;;
	esac
	echo "$name=${image%:*}@$digest" >> bases.lock.env.partial
done
mv bases.lock.env.partial bases.lock.env
