#!/bin/sh
# What is read beside the binary, below FOLDER (usr/share): manual pages, completion,
# README, licences.
#
#     sh dist/pages.sh FOLDER BINARY LICENCES
set -eu

share=$1 clm=$2 licences=$3
install -d -m 755 "$share/man/man1" "$share/bash-completion/completions" "$share/zsh/site-functions" \
    "$share/fish/vendor_completions.d" "$share/doc/clm"
"$clm" man --into "$share/man/man1"
"$clm" completion bash >"$share/bash-completion/completions/clm"
"$clm" completion zsh >"$share/zsh/site-functions/_clm"
"$clm" completion fish >"$share/fish/vendor_completions.d/clm.fish"
# Each shell looks for a file of the command's name.
for applet in ers clm-server clm-export; do
    ln -s clm "$share/bash-completion/completions/$applet"
    ln -s clm.fish "$share/fish/vendor_completions.d/$applet.fish"
done
install -m 644 README.md CHANGELOG.md SECURITY.md LICENSE "$share/doc/clm/"
install -m 644 "$licences" "$share/doc/clm/LICENSES.txt"
