options(repos = "file:///srv/cran")

install.package('ggplot2')
