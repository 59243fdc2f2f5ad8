# bash completion for kubectl-oci; `source <(kubectl-oci completion bash)`

_kubectl_oci() {
    # Not COMP_WORDS: they are cut at colons, which every URL has.
    local line="${COMP_LINE:0:COMP_POINT}" words answer directive=0 breaks="" begun="" candidate current
    read -r -a words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    current="${words[${#words[@]}-1]}"
    # bash puts candidates in place of what stands after the last of these.
    [[ $COMP_WORDBREAKS == *:* ]] && breaks+=":"
    [[ $COMP_WORDBREAKS == *=* ]] && breaks+="="
    [[ -n $breaks ]] && begun="${current%"${current##*[$breaks]}"}"
    COMPREPLY=()
    while IFS= read -r answer; do
        if [[ $answer == :* ]]; then
            directive="${answer#:}"
            continue
        fi
        candidate="${answer%%$'\t'*}"
        COMPREPLY+=("${candidate#"$begun"}")
    done < <(kubectl-oci __complete "${words[@]:1}" 2>/dev/null)
    # bash 3 of macOS has no compopt.
    if type compopt &>/dev/null; then
        ((directive & 2)) && compopt -o nospace
        ((directive & 4)) && compopt +o default
        ((directive & 16)) && compopt +o default -o dirnames
        ((directive & 32)) && compopt -o nosort 2>/dev/null
    fi
    return 0
}

complete -o default -F _kubectl_oci kubectl-oci
