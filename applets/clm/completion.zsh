#compdef clm ers clm-server clm-export
# zsh completion of clm and its applets, printed by: clm completion zsh

_clm_rows() {
    cat <<'ROWS'
@ROWS@
ROWS
}

# An action of _arguments for a kind of value.
_clm_action() {
    case $1 in
    files) REPLY='_files' ;;
    dirs)  REPLY='_files -/' ;;
    hosts) REPLY='_hosts' ;;
    words) REPLY="($2)" ;;
    *)     REPLY=' ' ;;
    esac
}

# Specifications of _arguments for the options of applet $1, command $2, into `specs`.
_clm_specs() {
    local tag applet command option kind words help REPLY
    while IFS=$'\t' read -r tag applet command option kind words help; do
        [[ $tag == O && ( $applet == '*' || ( $applet == $1 && $command == $2 ) ) ]] || continue
        help=${${help//\[/\\[}//\]/\\]}
        if [[ $kind == flag ]]; then
            specs+=("*${option}[$help]")
        else
            _clm_action $kind $words
            [[ $option != --* ]] || option+==
            specs+=("*${option}[${help//:/\\:}]:value:$REPLY")
        fi
    done < <(_clm_rows)
}

# What stands behind command $2 of applet $1, into `specs` too.
_clm_behind() {
    local tag applet command kind words REPLY
    while IFS=$'\t' read -r tag applet command kind words; do
        [[ $tag == A && $applet == $1 && $command == $2 ]] || continue
        case $kind in
        flag) ;;
        applets) specs+=('1:applet: _clm_names_of clm' '2:command: _clm_names_of ${words[2]}') ;;
        words)
            _clm_action words $words
            specs+=("1:word:$REPLY" '*:word: ') ;;
        *)
            _clm_action $kind $words
            specs+=("*:word:$REPLY") ;;
        esac
    done < <(_clm_rows)
}

_clm_names_of() {
    local tag applet command summary
    local -a names
    while IFS=$'\t' read -r tag applet command summary; do
        [[ $tag != C || $applet != $1 || $command == - ]] || names+=("$command:$summary")
    done < <(_clm_rows)
    _describe command names
}

_clm() {
    local applet=${${words[1]:t}%.exe} command=
    local -a specs applets
    local -i sole
    applets=(${(f)"$(_clm_rows | awk -F '\t' '$1 == "C" && $2 != "clm" { print $2 }' | sort -u)"})
    if [[ $applet == clm ]] && (( CURRENT > 2 && ${applets[(Ie)${words[2]}]} )); then
        shift words
        (( CURRENT-- ))
        applet=${words[1]}
    fi
    sole=$(_clm_rows | awk -F '\t' -v a=$applet '$1 == "C" && $2 == a && $3 == "-" { n = 1 } END { print n + 0 }')
    if (( sole )); then
        command=-
    elif (( CURRENT == 2 )); then
        if [[ ${words[2]} != -* ]]; then
            _clm_names_of $applet
            return
        fi
    else
        shift words
        (( CURRENT-- ))
        command=${words[1]}
    fi
    _clm_specs $applet $command
    _clm_behind $applet $command
    _arguments -s -S $specs
}

if [[ ${funcstack[1]} == _clm ]]; then
    _clm "$@"
else
    compdef _clm clm ers clm-server clm-export
fi
