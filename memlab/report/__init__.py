"""Reports: what run files say, on one HTML page and in figures for a paper."""

from memlab.report.page import write_page
from memlab.report.pictures import Picture, draw_pictures
from memlab.report.summary import Row, Summary, summarise, summary_of

__all__ = [
    "Picture",
    "Row",
    "Summary",
    "draw_pictures",
    "summarise",
    "summary_of",
    "write_page",
]
