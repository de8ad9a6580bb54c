#!/bin/sh
# The version of what `make dist` makes, on one line.
#
# VERSION names the release that is being worked on. At its tag (v0.1.0) and without
# changes it is the version; on the way there it is 0.1.0~COMMITS.gCOMMIT, which dpkg and
# rpm sort before the release, and behind the tag 0.1.0+COMMITS.gCOMMIT, which they sort
# after it. Changes that are not committed add .dirty. Without git: VERSION alone.
set -eu

version=$(cat VERSION)
commit=$(git rev-parse --short=7 HEAD 2>/dev/null) || { echo "$version"; exit; }
dirty=$([ -z "$(git status --porcelain --untracked-files=no)" ] || echo .dirty)
if since=$(git rev-list --count "v$version..HEAD" 2>/dev/null); then
    [ "$since" = 0 ] || version=$version+$since.g$commit
    [ "$since$dirty" != 0.dirty ] || version=$version+0.g$commit
else
    version=$version~$(git rev-list --count HEAD).g$commit
fi
echo "$version$dirty"
