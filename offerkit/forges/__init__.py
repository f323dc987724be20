"""Where pull requests are: GitHub and GitLab, asked through their HTTP APIs (docs/adr/0048-forges.md)."""
