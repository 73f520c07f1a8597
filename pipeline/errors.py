"""The errors that Zhiwei raises on purpose: each says what was expected, what was found, what to do."""


class ZhiweiError(Exception):
    """Root of every error that a person can act on; the command line prints it without a traceback."""


class InputError(ZhiweiError):
    """An input file, folder or table cannot be read at all (exit status 2). Single bad rows are `Rejected`, not errors."""


class SettingsError(ZhiweiError):
    """A settings, policy or labels file is wrong or asks for something unknown (exit status 2)."""


class ModelFolderError(ZhiweiError):
    """A model folder is missing files, was tampered with, or does not match the labels (exit status 2)."""


class OutputError(ZhiweiError):
    """An output or rejects file cannot be written (exit status 2)."""


class QueueError(ZhiweiError):
    """The queue's database cannot be used: locked by another run, unreachable, or of another version (exit status 2)."""


class MatterError(ZhiweiError):
    """A matter or letter that a person named is not there, or cannot be put together or taken apart that way; the sentence is for a clerk."""


class SpreadsheetError(ZhiweiError):
    """A table that came back from Excel cannot be read as a whole; single bad cells are told one by one. The sentence is for a clerk."""


class ClockError(ZhiweiError):
    """A statutory clock cannot be extended, paused or resumed that way; the sentence is for a clerk."""
