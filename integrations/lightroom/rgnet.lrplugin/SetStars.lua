require('Dialog').run(require('Scores').kinds.stars)
