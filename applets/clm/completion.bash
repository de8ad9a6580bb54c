# bash completion of clm and its applets, printed by: clm completion bash

_clm_rows() {
    cat <<'ROWS'
@ROWS@
ROWS
}

# The applet, the command and the option whose value is wanted, from the words before
# the cursor; also how many words stand behind the command and the last of them.
_clm_look() {
    local i word plain=
    applet=${COMP_WORDS[0]##*/} applet=${applet%.exe} command= option= given=0 last=
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $option ]]; then
            [[ $word == = ]] || option=   # bash splits at "="
        elif [[ ! $plain && $word == -- ]]; then
            plain=1
        elif [[ ! $plain && $word == -?* ]]; then
            [[ $word == *=* ]] || option=$word
            [[ $(_clm_kind) ]] || option=
        else
            _clm_take "$word"
        fi
    done
}

# A word that is no option.
_clm_take() {
    if [[ $applet == clm && ! $command ]] && _clm_names "$1" | grep -q .; then
        applet=$1
        _clm_sole
    elif [[ $command ]]; then
        ((given++))
        last=$1
    else
        command=$1
    fi
}

# An applet with one command is in it from its name on.
_clm_sole() {
    [[ $(_clm_names "$applet") != - ]] || command=-
}

_clm_names() { _clm_rows | awk -F '\t' -v a="$1" '$1 == "C" && $2 == a { print $3 }'; }
_clm_options() {
    _clm_rows | awk -F '\t' -v a="$applet" -v c="$command" \
        '$1 == "O" && ($2 == a && $3 == c || $2 == "*") { print $4 }'
}

# "KIND WORDS" of the option's value, or, where there is no option, of the words
# behind the command; nothing where none are wanted.
_clm_kind() {
    _clm_rows | awk -F '\t' -v a="$applet" -v c="$command" -v o="$option" '
        o != "" && $1 == "O" && $4 == o && ($2 == a && $3 == c || $2 == "*") { found($5, $6) }
        o == "" && $1 == "A" && $2 == a && $3 == c { found($4, $5) }
        function found(kind, words) { if (kind != "flag") print kind, words; exit }'
}

_clm_offer() {
    local kind=$1 words=$2 line
    case $kind in
    files) compopt -o filenames 2>/dev/null; words=$(compgen -f -- "$cur") ;;
    dirs)  compopt -o filenames 2>/dev/null; words=$(compgen -d -- "$cur") ;;
    hosts) words=$(compgen -A hostname -- "$cur") ;;
    words) words=$(compgen -W "$words" -- "$cur") ;;
    applets)
        case $given in
        0) words=$(compgen -W "$(_clm_rows | awk -F '\t' '$1 == "C" { print $2 }')" -- "$cur") ;;
        1) words=$(compgen -W "$(_clm_names "$last")" -- "$cur") ;;
        *) return ;;
        esac ;;
    *) return ;;
    esac
    while IFS= read -r line; do
        [[ -z $line || $line == - ]] || COMPREPLY+=("$line")
    done < <(sort -u <<<"$words")
}

_clm() {
    local cur=${COMP_WORDS[COMP_CWORD]} applet command option given last kind
    COMPREPLY=()
    _clm_look
    [[ $command ]] || _clm_sole
    [[ $cur != = ]] || cur=
    kind=$(_clm_kind)
    if [[ $option ]]; then
        _clm_offer "${kind%% *}" "${kind#* }"
    elif [[ $cur == -* ]]; then
        _clm_offer words "$(_clm_options)"
    elif [[ ! $command ]]; then
        _clm_offer words "$(_clm_names "$applet")"
    elif [[ $kind != words* || $given == 0 ]]; then
        _clm_offer "${kind%% *}" "${kind#* }"
    fi
}

complete -F _clm clm ers clm-server clm-export
