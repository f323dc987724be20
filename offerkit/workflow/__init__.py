"""What offerkit does, without a shell: each function is one thing a user asks for.

The main path (validate, plan, apply, promote) is :mod:`offerkit.workflow.main_path`; read it first.
"""
