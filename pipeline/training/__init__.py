"""Training: backbone, data, fit, evaluation, export. The only room that imports torch, transformers or scikit-learn."""
