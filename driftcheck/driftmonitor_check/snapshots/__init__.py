"""Reports as Evidently's own user interface reads them: `evidently ui` over a workspace folder."""
