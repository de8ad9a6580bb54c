#!/bin/sh
# What Windows users get: a zip and an installer of the same files.
#
#     sh dist/windows.sh OUT-NAME VERSION WORK BINARY LICENCES LINUX-BINARY
#
# OUT-NAME.zip and OUT-NAME-setup.exe are made. The Linux binary prints the completion,
# which is the same on both.
set -eu

out=$1 version=$2 work=$3 exe=$4 licences=$5 linux=$6
here=$(dirname "$0")
name=$(basename "$out")
folder=$work/$name

install -d -m 755 "$folder"
for applet in clm ers clm-server clm-export; do install -m 755 "$exe" "$folder/$applet.exe"; done
for text in README.md CHANGELOG.md SECURITY.md; do install -m 644 $text "$folder/"; done
install -m 644 LICENSE "$folder/LICENSE.txt"
install -m 644 "$licences" "$folder/LICENSES.txt"
"$linux" completion powershell >"$folder/completion.ps1"
find "$folder" -exec touch --date="@$SOURCE_DATE_EPOCH" {} +

rm -f "$out.zip"
(cd "$work" && find "$name" -type f | sort | TZ=UTC zip -q -X -9 -@ clm.zip)
mv "$work/clm.zip" "$out.zip"
makensis -V2 -NOCD "-DVERSION=$version" "-DFOLDER=$folder" "-DOUT=$work/$name-setup.exe" "$here/windows/clm.nsi"
mv "$work/$name-setup.exe" "$out-setup.exe"
