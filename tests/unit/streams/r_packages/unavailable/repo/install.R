options(repos = "file:///srv/cran")
options(warn = 2)
install.packages('ggplot3')
