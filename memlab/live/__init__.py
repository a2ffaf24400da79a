"""`memlab live`: a local page of a run, a directory of runs, or a passport (extra `live`).

Each part knows only those before it:

    reading    what a page shows, as plain values: `curve`, `cells`, `trail`, `run_view`,
               `run_source`, `folder`, `chip_view`; they open files for reading, and know no browser
    drawing    `html`, `colours`, `plots`, `panels`, `run_panels`, `run_table`, `compare`
    pages      `watch`, a thread that looks while somebody does; `page`, `run_page`, ..., `pages`
    serving    `door`: who may come in, and what the browser may do; `server`

Nothing here writes a file. Names out of files reach a page as text alone (`html`).
"""
