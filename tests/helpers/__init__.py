"""What the tests share: a workspace, a small project, data cases, an independent reading of approvals."""
