return {
	LrSdkVersion = 10.0,
	LrSdkMinimumVersion = 6.0,
	LrToolkitIdentifier = 'org.rgnet.lightroom',
	LrPluginName = 'rgnet',
	LrPluginInfoUrl = 'https://openaccess.thecvf.com/content_WACV_2020/html/Liu_Composition-Aware_Image_Aesthetics_Assessment_WACV_2020_paper.html',
	LrLibraryMenuItems = {
		{ title = 'Stars where there are none...', file = 'SetStars.lua' },
		{ title = 'Flags where there are none...', file = 'SetFlags.lua' },
		{ title = 'Colour labels where there are none...', file = 'SetLabels.lua' },
	},
	VERSION = { major = 0, minor = 1, revision = 0 },
}
