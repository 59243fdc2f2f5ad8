# PowerShell completion for kubectl-oci; `kubectl-oci completion powershell | Out-String | Invoke-Expression`

Register-ArgumentCompleter -Native -CommandName 'kubectl-oci' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements | Select-Object -Skip 1 |
        Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | ForEach-Object { $_.ToString() })
    # Versions before 7.3 drop empty words.
    $words += if ($wordToComplete) { $wordToComplete } else { '""' }
    $answers = @(& kubectl-oci __complete @words 2>$null)
    foreach ($answer in $answers) {
        if (-not $answer -or $answer.StartsWith(':')) { continue }
        $name, $about = $answer.Split("`t", 2)
        if (-not $about) { $about = $name }
        [System.Management.Automation.CompletionResult]::new($name, $name, 'ParameterValue', $about)
    }
}
