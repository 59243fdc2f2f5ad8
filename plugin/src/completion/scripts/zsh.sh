#compdef kubectl-oci
# zsh completion for kubectl-oci; `source <(kubectl-oci completion zsh)`, or as `_kubectl-oci` in a folder of $fpath

_kubectl_oci() {
    local -a answers described order space
    local answer directive=0 name about
    answers=("${(@f)$(kubectl-oci __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    for answer in "${answers[@]}"; do
        if [[ $answer == :* ]]; then
            directive=${answer#:}
        elif [[ -n $answer ]]; then
            name=${answer%%$'\t'*}
            about=${answer#"$name"}
            described+=("${name//:/\\:}${about:+:${about#$'\t'}}")
        fi
    done
    (( directive & 2 )) && space=(-S '')
    (( directive & 32 )) && order=(-V)
    if (( ${#described} )); then
        _describe "${order[@]}" 'completions' described "${space[@]}"
    elif (( directive & 16 )); then
        _files -/
    elif (( ! (directive & 4) )); then
        _files
    fi
}

if [[ "${funcstack[1]}" == "_kubectl-oci" ]]; then
    _kubectl_oci
else
    compdef _kubectl_oci kubectl-oci
fi
