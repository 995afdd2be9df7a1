require('Dialog').run(require('Scores').kinds.labels)
