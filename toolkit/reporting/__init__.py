"""From params to an archived page: parameters, runner, archive, page, catalogue."""
