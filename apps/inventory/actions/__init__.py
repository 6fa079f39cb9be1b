"""Changes to what the organisation runs and what it calls, one module per subject.

Every action locks the application first and asks the role of `by` of the locked row (`locks`):
the caller's own check only decides what is shown. `by` None is a job, which needs no role. Values
are checked by the models: a Django ValidationError names the fields. What is refused for another
reason raises ConflictError with a sentence.
"""
