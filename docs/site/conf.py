"""Sphinx settings of the site; ``build.py`` beside it puts the pages together and runs it."""

project = "Tandem"
extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "myst_parser"]
root_doc = "index"
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]
suppress_warnings = ["myst.header", "toc.not_included"]
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
python_use_unqualified_type_names = True
add_module_names = False
html_theme = "furo"
html_title = "Tandem"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_copyright = html_copy_source = html_show_sourcelink = html_show_sphinx = html_show_search_summary = False
html_theme_options = {"footer_icons": [], "top_of_page_buttons": []}
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
