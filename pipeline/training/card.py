"""The model card: what the model is, what it was trained on, what it is worth, what it is not for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.scoring.config import ModelConfig
from pipeline.scoring.heldout import shown

Figures = Mapping[str, Mapping[str, float]]

HEAD = """# {version}

Reads one masked letter to a Chinese petition office and says: its issue (16), eight signals, its level (0-3), and the risk that the matter
will hurt more people, or hurt them worse, if it waits. It scores the matter, never the person, and a person decides.

## What it is
- Deep half: encoder `{backbone}`, three heads over mean- and max-pooled output, int8 ONNX with fused attention.
- Wide half: TF-IDF of character 1-3-grams times a linear table in 8 bits (`wide.safetensors`), read with numpy.
- Embedding: a shorter encoder over the beginning of the letter, taught by the pretrained backbone; a boosted forest over features of two
  letters (`matters.safetensors`) says whether they speak of the same matter.
- Both halves are weighed and calibrated on development letters (`config.json`, `blend`). No pickle anywhere.

## Provenance
- Encoder: {origin}
- Letters: {provenance} Personal data was masked before training.
- Data digests (SHA-256): {digests}

## Splits
By body, near copy and matter; never by row. Letters: {splits}. The test letters have two independent readings and saw no training, early
stopping, blending or calibration. The model of the issue follows the readings; the organiser's differing convention is a bias that is
learnt beside and dropped.
"""

MATTERS = """
## Which letters are of one matter
Pairwise, cross-validated over {matters:.0f} matters that were read ({pairs:.0f} known candidate pairs; a pair counts when it touches a letter of a matter):
precision {precision:.3f}, recall {recall:.3f}, F1 {f1:.3f}; over matters of at most 15 letters precision {precision_small:.3f},
recall {recall_small:.3f}, F1 {f1_small:.3f}; over invented counties (short letters, dialect; single letters count too) precision {precision_county:.3f},
recall {recall_county:.3f}, F1 {f1_county:.3f}. Letters are joined from a bond of {joins:.2f} on, chosen on the same folds.
A matter's risk ({risk_cases:.0f} cases as of each letter, cross-validated over matters; true in {risk_true:.0%}): AP {risk_ap:.3f}, calibration error
{risk_ece:.3f}; the highest letter risk alone {risk_ap_highest:.3f} and {risk_ece_highest:.3f}. Most of these letters trained the model, so letter risks are surer here than on new ones.
"""

LIMITS = """
## Limits
- {limits}
- What is urgent must also be seen by a person: level 3 is rare wherever letters are counted.
- Letters past {max_tokens} tokens are read by their head and tail.
- The calibration holds for the stream it was fitted on; after a change of channel or region it must be checked.
- Not for: anything about a person; closing a letter; deciding without a reader.
"""


def card(
    config: ModelConfig, models: Mapping[str, Figures], splits: Mapping[str, int], difference: Mapping[str, float], origin: str,
    linking: Mapping[str, float],
) -> str:  # fmt: skip
    """Markdown text. `models`: model name -> figures, the shipped one first."""
    digests = ", ".join(f"{name} `{digest[:12]}`" for name, digest in config.data.items())
    told = ", ".join(f"{name} {count}" for name, count in splits.items())
    head = HEAD.format(
        version=config.version,
        backbone=config.backbone,
        origin=origin,
        digests=digests,
        splits=told,
        provenance=config.recipe["data"]["provenance"],
    )
    worst = ", ".join(f"{name} {value:.3f}" for name, value in difference.items())
    figures = "\n".join(_table(models))
    check = f"\nExport against torch, 500 letters, largest difference: {worst}.\n"
    return (
        head
        + "\n## Figures on held-out letters (95 % bootstrap interval)\n"
        + figures
        + "\n"
        + MATTERS.format(**linking)
        + check
        + LIMITS.format(max_tokens=config.max_tokens, limits=config.recipe["data"]["limits"])
    )


def _table(models: Mapping[str, Figures]) -> Sequence[str]:
    names = list(models)
    rows = [f"| figure | {' | '.join(names)} | letters |", "|---|" + "---|" * (len(names) + 1)]
    for figure, told in models[names[0]].items():
        cells = [shown(models[name][figure]) if figure in models[name] else "-" for name in names]
        rows.append(f"| {figure} | {' | '.join(cells)} | {told['letters']:.0f} |")
    return rows
