"""`python -m hack.linters`: builds kube-score and prints its path."""

from hack.linters.kube_score import KUBE_SCORE

print(KUBE_SCORE.ensure())
