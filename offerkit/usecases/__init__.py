"""What offerkit does, without a shell: each function is one thing a user asks for.

The main path is :mod:`offerkit.usecases.plan`, :mod:`offerkit.usecases.apply`, :mod:`offerkit.usecases.approve` and
:mod:`offerkit.usecases.promote`; read ``apply`` first.
"""
