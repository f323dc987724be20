"""What offerkit does, without a shell: each function is one thing a user asks for.

The main path is :mod:`offerkit.workflow.plan`, :mod:`offerkit.workflow.apply`, :mod:`offerkit.workflow.approve` and
:mod:`offerkit.workflow.promote`; read ``apply`` first.
"""
