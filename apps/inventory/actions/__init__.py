"""Changes to applications and the models they call, one module per subject.

Every action locks the application first and then checks the role of `by` on the locked row
(`locks`): the caller's own check only decides which buttons a page shows. If `by` is None, a job
acts, which needs no role. Values are checked by the models: a Django ValidationError names the
fields. Everything else that is refused raises ConflictError with a sentence for users.
"""
