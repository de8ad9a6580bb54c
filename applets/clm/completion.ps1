# PowerShell completion of clm and its applets, printed by: clm completion powershell

Register-ArgumentCompleter -Native -CommandName clm, ers, clm-server, clm-export -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $rows = @'
@ROWS@
'@ -split "`r?`n" | ForEach-Object { , ($_ -split "`t") }

    # The words before the one at the cursor, options and what follows them included.
    $typed = @($commandAst.CommandElements |
        Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | ForEach-Object { $_.ToString() })
    $applet = [IO.Path]::GetFileName($typed[0]) -replace '\.exe$', ''
    $words = @($typed | Select-Object -Skip 1 | Where-Object { $_ -notlike '-*' })
    $applets = $rows | Where-Object { $_[0] -eq 'C' } | ForEach-Object { $_[1] } | Select-Object -Unique
    if ($applet -eq 'clm' -and $words.Count -gt 0 -and $applets -contains $words[0]) {
        $applet = $words[0]
        $words = @($words | Select-Object -Skip 1)
    }
    $sole = $rows | Where-Object { $_[0] -eq 'C' -and $_[1] -eq $applet -and $_[2] -eq '-' }
    $command = if ($sole) { '-' } elseif ($words.Count -gt 0) { $words[0] } else { '' }

    $options = $rows | Where-Object {
        $_[0] -eq 'O' -and (($_[1] -eq $applet -and $_[2] -eq $command) -or $_[1] -eq '*') }
    $before = $typed[-1]
    $waits = $options | Where-Object { $_[3] -eq $before -and $_[4] -ne 'flag' }

    $offers = if ($waits) {
        if ($waits[4] -eq 'words') { $waits[5] -split ' ' | ForEach-Object { , @($_, $_) } }
    } elseif ($wordToComplete -like '-*') {
        $options | ForEach-Object { , @($_[3], $_[6]) }
    } elseif (-not $command) {
        $rows | Where-Object { $_[0] -eq 'C' -and $_[1] -eq $applet } | ForEach-Object { , @($_[2], $_[3]) }
    } else {
        $rows | Where-Object { $_[0] -eq 'A' -and $_[1] -eq $applet -and $_[2] -eq $command -and $_[3] -eq 'words' } |
            ForEach-Object { $_[4] -split ' ' } | ForEach-Object { , @($_, $_) }
    }
    $offers | Where-Object { $_[0] -like "$wordToComplete*" } | Sort-Object { $_[0] } | ForEach-Object {
        [System.Management.Automation.CompletionResult]::new($_[0], $_[0], 'ParameterValue', $_[1])
    }
}
