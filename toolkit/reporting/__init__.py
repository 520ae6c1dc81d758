"""From params to an archived page: parameters, runner, archive, page, catalogue."""

import sys

# JupyterLab's grammar of addresses costs a second of every process that reads a notebook, and checks nothing here.
sys.modules.setdefault("rfc3987_syntax", None)
