"""Tab completion of the ``idc`` command in bash, and in zsh by its bashcompinit."""

from collections.abc import Sequence

FLAGS = ("--shell-completion", "-sc")
# Hydra completes the options; its own script knows commands of one word only.
SCRIPT = """\
_idc() {
    local line="${COMP_LINE:0:$COMP_POINT}" words word choices
    words=($line)
    word="${line##* }"
    if [ "${#words[@]}" -lt 2 ] || [ "$line" = "${words[0]} $word" ]; then
        choices="APPS"
    else
        line="idc ${line#*"${words[1]}" }"
        choices=$(COMP_LINE="$line" "${words[0]}" "${words[1]}" -sc query=bash 2>/dev/null)
    fi
    COMPREPLY=($(compgen -W "$choices" -- "$word"))
}
COMP_WORDBREAKS=${COMP_WORDBREAKS//=}
complete -o nospace -o default -F _idc idc
"""


def script(apps: Sequence[str]) -> str:
    """The script to evaluate in the shell: ``eval "$(idc --shell-completion)"``."""
    return SCRIPT.replace("APPS", " ".join(apps))
