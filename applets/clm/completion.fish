# fish completion of clm and its applets, printed by: clm completion fish

# One file for several names: each would load it.
if set -q __clm_rows
    exit
end

set -g __clm_rows '
@ROWS@
'

# The applet and its command as typed before the cursor; "clm ers scan" is "ers scan".
function __clm_typed
    set -l words (commandline -opc)
    set words[1] (string replace -r '\.exe$' '' (string replace -r '.*/' '' -- $words[1]))
    set words (string match -v -- '-*' $words)
    if test "$words[1]" = clm; and test (count $words) -gt 1; and __clm_has_applet $words[2]
        set -e words[1]
    end
    printf '%s\n' $words
end

function __clm_fields
    for row in (string split \n -- $__clm_rows)
        string match -q -- "$argv[1]"\t'*' $row; and echo $row
    end
end

function __clm_has_applet
    for row in (__clm_fields C)
        set -l f (string split \t -- $row)
        test $f[2] = $argv[1]; and test $f[2] != clm; and return 0
    end
    return 1
end

function __clm_is_sole
    for row in (__clm_fields C)
        set -l f (string split \t -- $row)
        test $f[2] = $argv[1]; and test $f[3] = -; and return 0
    end
    return 1
end

# True where the next word is a command of the applet.
function __clm_wants_command
    set -l words (__clm_typed)
    test (count $words) -eq 1; and test $words[1] = $argv[1]; and not __clm_is_sole $words[1]
end

# True behind APPLET COMMAND; "-" is the command of an applet that has but one.
function __clm_is_at
    set -l words (__clm_typed)
    test $words[1] = $argv[1]; or return 1
    test $argv[2] = -; or test "$words[2]" = $argv[2]
end

# True where the first word behind the command is wanted.
function __clm_is_first
    set -l words (__clm_typed)
    __clm_is_at $argv; and test (count $words) -eq 2
end

for name in clm ers clm-server clm-export
    complete -c $name -f
    for row in (__clm_fields C)
        set -l f (string split \t -- $row)
        test $f[3] != -; and complete -c $name -n "__clm_wants_command $f[2]" -a $f[3] -d $f[4]
    end
    for row in (__clm_fields O)
        set -l f (string split \t -- $row)
        set -l take
        switch $f[5]
            case files
                set take -r -F
            case dirs
                set take -x -a '(__fish_complete_directories)'
            case words
                set take -x -a $f[6]
            case text
                set take -x
        end
        set -l where
        test $f[2] != '*'; and set where -n "__clm_is_at $f[2] $f[3]"
        if string match -q -- '--*' $f[4]
            complete -c $name $where -l (string sub -s 3 -- $f[4]) $take -d $f[7]
        else
            complete -c $name $where -s (string sub -s 2 -- $f[4]) $take -d $f[7]
        end
    end
    for row in (__clm_fields A)
        set -l f (string split \t -- $row)
        switch $f[4]
            case files
                complete -c $name -n "__clm_is_at $f[2] $f[3]" -F
            case dirs
                complete -c $name -n "__clm_is_at $f[2] $f[3]" -a '(__fish_complete_directories)'
            case hosts
                complete -c $name -n "__clm_is_at $f[2] $f[3]" -a '(__fish_print_hostnames)'
            case words
                complete -c $name -n "__clm_is_first $f[2] $f[3]" -a $f[5]
            case applets
                complete -c $name -n "__clm_is_first $f[2] $f[3]" -a 'ers clm-server clm-export clm'
        end
    end
end
