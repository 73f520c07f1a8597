"""The linear half, and the linear baselines that every model is reported beside.

Baseline `char`: TF-IDF of character 1-3-grams, LinearSVC for the issue, logistic regression for each signal and level step. Baseline `words`:
the same over jieba's words and pairs of words. Both are fitted on the same training letters as the network and see the same test.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC
from tqdm import tqdm

from pipeline.scoring.wide import WideHalf
from pipeline.training.letters import Example
from pipeline.training.recipe import WideRecipe

Array = NDArray[np.float32]
MOST_GRAMS = 200_000
ORGANISER_WEIGHT = 0.5
"""An organiser's letter counts half a read one: on development letters best for our issues without losing theirs."""


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """A fitted linear model: features of masked texts, and weights (features, outputs), bias (outputs,)."""

    vectorizer: TfidfVectorizer
    weights: Array
    bias: Array

    def logits(self, texts: Sequence[str]) -> Array:
        """(letters, outputs): issues, signals, level steps."""
        features = self.vectorizer.transform(texts)
        return np.asarray(features @ self.weights + self.bias, dtype=np.float32)


def char_vectorizer(recipe: WideRecipe) -> TfidfVectorizer:
    """The features that scoring/wide.py computes without scikit-learn."""
    return TfidfVectorizer(
        analyzer="char", ngram_range=(1, 3), sublinear_tf=True, min_df=recipe.least_letters, max_features=MOST_GRAMS, lowercase=False,
        dtype=np.float32,
    )  # fmt: skip


def word_vectorizer(recipe: WideRecipe) -> TfidfVectorizer:
    """Jieba's words and pairs of them."""
    import jieba

    jieba.setLogLevel("ERROR")
    return TfidfVectorizer(
        tokenizer=jieba.lcut, token_pattern=None, ngram_range=(1, 2), sublinear_tf=True, min_df=recipe.least_letters, max_features=MOST_GRAMS,
        lowercase=False, dtype=np.float32,
    )  # fmt: skip


def fit_linear(examples: Sequence[Example], recipe: WideRecipe, make: Callable[[WideRecipe], TfidfVectorizer]) -> Linear:
    """Fit features and all heads on the training examples."""
    vectorizer = make(recipe)
    features = vectorizer.fit_transform([example.text for example in examples])
    read = np.array([example.read for example in examples])
    issue, bias = _issue_head(features, examples, read, recipe.issue_c)
    targets = np.array([[*e.signals, *e.level] for e in examples if e.read]) >= 0.5
    rows = features[read]
    heads = [_binary_head(rows, targets[:, k], recipe.binary_c) for k in tqdm(range(targets.shape[1]), desc="linear heads", mininterval=5)]
    weights = np.concatenate([issue, *(head[0] for head in heads)], axis=0).T
    return Linear(
        vectorizer, np.ascontiguousarray(weights, dtype=np.float32), np.concatenate([bias, *(head[1] for head in heads)]).astype(np.float32)
    )


def _issue_head(features: csr_matrix, examples: Sequence[Example], read: NDArray[np.bool_], c: float) -> tuple[Array, Array]:
    """One row an issue; an issue without a letter gets a bias no letter can reach."""
    truth = np.array([example.any_issue.argmax() for example in examples])
    model = LinearSVC(C=c).fit(features, truth, sample_weight=np.where(read, 1.0, ORGANISER_WEIGHT))
    weights = np.zeros((len(examples[0].issue), features.shape[1]), np.float32)
    bias = np.full(len(weights), -3.0, np.float32)
    weights[model.classes_], bias[model.classes_] = model.coef_, model.intercept_
    return weights, bias


def _binary_head(features: csr_matrix, truth: NDArray[np.bool_], c: float) -> tuple[Array, Array]:
    if truth.all() or not truth.any():
        return np.zeros((1, features.shape[1]), np.float32), np.array([5.0 if truth.all() else -5.0], np.float32)
    model = LogisticRegression(C=c, solver="liblinear").fit(features, truth)
    return model.coef_.astype(np.float32), model.intercept_.astype(np.float32)


def to_wide(linear: Linear) -> WideHalf:
    """The fitted character model as the table that scoring reads: grams packed and sorted, weights in 8 bits."""
    shift = np.uint64(21)
    packed = np.zeros(len(linear.weights), np.uint64)
    for gram, row in linear.vectorizer.vocabulary_.items():
        for char in gram:
            packed[row] = (packed[row] << shift) | np.uint64(ord(char))
    order = np.argsort(packed)
    scale = np.maximum(np.abs(linear.weights).max(0), 1e-9) / 127
    weights = np.round(linear.weights[order] / scale).astype(np.int8)
    idf = np.asarray(linear.vectorizer.idf_, np.float32)[order]
    return WideHalf(packed[order], idf, weights, scale.astype(np.float32), linear.bias)
