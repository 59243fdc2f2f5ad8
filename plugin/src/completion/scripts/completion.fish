# fish completion for kubectl-oci; `kubectl-oci completion fish | source`

function __kubectl_oci_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l answers (kubectl-oci __complete $words[2..-1] "$current" 2>/dev/null)
    set -q answers[1]; or return
    set -l directive (string replace ':' '' -- $answers[-1])
    set -e answers[-1]
    if set -q answers[1]
        printf '%s\n' $answers
    else if test (math "bitand($directive, 16)") -ne 0
        __fish_complete_directories "$current"
    else if test (math "bitand($directive, 4)") -eq 0
        __fish_complete_path "$current"
    end
end

complete -c kubectl-oci -e
complete -c kubectl-oci -k -f -a '(__kubectl_oci_complete)'
